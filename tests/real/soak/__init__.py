"""The soak: numbered lines from many containers through kills, outages and removals, and afterwards the count of each of them.

`kinds` and `deeds` say, from a seed, what runs and what happens to it; `life` and `soak` do it; `contents` reads what arrived,
`tally` counts it, `verdict` tells what is wrong. How much was written is known from the writers, never from the agent.
"""
