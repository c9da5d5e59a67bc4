/* Prints numbered lines, for counting them again at the other end: "PREFIX NUMBER PADDING\n", NUMBER from 1.
 *
 *   writer [-n COUNT] [-r LINES_PER_SECOND] [-e K] [-p PREFIX] [-l PADDING_LENGTH] [-f FIRST_NUMBER]
 *
 * -r 0 (the default) writes as fast as the reader takes it; -e K sends every K-th number to stderr, the others to stdout.
 * Each line is written whole, whatever write(2) accepts at a time; the status is 0 only if all of them were. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_whole(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno != EINTR) exit(1);
        if (written > 0) { bytes += written; length -= (size_t)written; }
    }
}

static void sleep_until(struct timespec start, double seconds) {
    start.tv_sec += (time_t)seconds;
    start.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (start.tv_nsec >= 1000000000L) { start.tv_sec++; start.tv_nsec -= 1000000000L; }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL) == EINTR) { }
}

int main(int argc, char **argv) {
    long count = 1, every = 0, padding = 0, first = 1;
    double rate = 0;
    const char *prefix = "line";
    for (int option; (option = getopt(argc, argv, "n:r:e:p:l:f:")) != -1;) {
        switch (option) {
        case 'n': count = atol(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'e': every = atol(optarg); break;
        case 'p': prefix = optarg; break;
        case 'l': padding = atol(optarg); break;
        case 'f': first = atol(optarg); break;
        default: return 2;
        }
    }
    char *line = malloc(strlen(prefix) + (size_t)padding + 32);
    if (line == NULL) return 1;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < count; i++) {
        if (rate > 0) sleep_until(start, (double)i / rate);
        size_t length = (size_t)sprintf(line, "%s %ld ", prefix, first + i);
        memset(line + length, 'x', (size_t)padding);
        length += (size_t)padding;
        line[length++] = '\n';
        write_whole(every > 0 && (first + i) % every == 0 ? STDERR_FILENO : STDOUT_FILENO, line, length);
    }
    return 0;
}
