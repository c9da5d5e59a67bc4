/* Prints numbered lines, for counting them again at the other end: "PREFIX NUMBER PADDING\n", NUMBER from 1.
 *
 *   writer [-n COUNT] [-r LINES_PER_SECOND] [-b BURST] [-e K] [-p PREFIX] [-l PADDING_LENGTH] [-k K -L LONG_PADDING_LENGTH]
 *          [-f FIRST_NUMBER] [-c CONTROL]
 *
 * -r 0 (the default) writes as fast as the reader takes it; -b writes BURST lines at once, then waits so that the rate is kept;
 * -e K sends every K-th number to stderr, the others to stdout; -k K pads every K-th number to a long line; -n 0 has no end.
 * Each line is written whole, whatever write(2) accepts at a time; the status is 0 only if all of them were. SIGTERM ends it
 * between two lines.
 *
 * CONTROL is a file of at least sizeof(struct control) bytes that is shared with whoever counts: it tells which lines were begun and
 * done, whatever becomes of the process, and a later process goes on behind the last one that was done. The other side may hold
 * the writer up, and end it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLICE 0.05 /* seconds: how late the other side's wish is heard */

struct control {
    uint64_t begun, done; /* numbers of lines: the writer's */
    uint32_t hold, end;   /* not 0: wait between two lines; end there: the other side's */
    uint32_t held;        /* not 0: it waits: the writer's */
};

static struct control own;
static volatile struct control *control = &own;
static volatile sig_atomic_t asked = 0;

static void ask(int number) { (void)number; asked = 1; }

static int ending(void) { return asked || control->end; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap(double seconds) {
    if (seconds > SLICE) seconds = SLICE;
    struct timespec t = {0, (long)(seconds * 1e9)};
    nanosleep(&t, NULL);
}

static void sleep_until(double moment) {
    for (double left; !ending() && !control->hold && (left = moment - now()) > 0;) nap(left);
}

static void write_whole(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno != EINTR) exit(1);
        if (written > 0) { bytes += written; length -= (size_t)written; }
    }
}

static int share(const char *path) {
    int fd = open(path, O_RDWR);
    if (fd < 0) return 0;
    void *shared = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) return 0;
    control = shared;
    return 1;
}

int main(int argc, char **argv) {
    long count = 1, every = 0, padding = 0, first = 1, burst = 1, every_long = 0, long_padding = 0;
    double rate = 0;
    const char *prefix = "line";
    for (int option; (option = getopt(argc, argv, "n:r:b:e:p:l:k:L:f:c:")) != -1;) {
        switch (option) {
        case 'n': count = atol(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'b': burst = atol(optarg); break;
        case 'e': every = atol(optarg); break;
        case 'p': prefix = optarg; break;
        case 'l': padding = atol(optarg); break;
        case 'k': every_long = atol(optarg); break;
        case 'L': long_padding = atol(optarg); break;
        case 'f': first = atol(optarg); break;
        case 'c':
            if (!share(optarg)) return 1;
            first = (long)control->done + 1;
            break;
        default: return 2;
        }
    }
    char *line = malloc(strlen(prefix) + (size_t)(padding > long_padding ? padding : long_padding) + 32);
    if (line == NULL || burst < 1) return 1;
    signal(SIGTERM, ask);
    double start = now();
    long origin = 0;
    for (long i = 0; (count == 0 || i < count) && !ending(); i++) {
        if (rate > 0 && i % burst == 0) sleep_until(start + (double)(i - origin) / rate);
        if (control->hold) {
            control->held = 1;
            while (control->hold && !ending()) nap(SLICE);
            control->held = 0;
            start = now();
            origin = i;
        }
        if (ending()) break;
        long number = first + i;
        size_t length = (size_t)sprintf(line, "%s %ld ", prefix, number);
        size_t pad = (size_t)(every_long > 0 && number % every_long == 0 ? long_padding : padding);
        memset(line + length, 'x', pad);
        length += pad;
        line[length++] = '\n';
        control->begun = (uint64_t)number;
        write_whole(every > 0 && number % every == 0 ? STDERR_FILENO : STDOUT_FILENO, line, length);
        control->done = (uint64_t)number;
    }
    return 0;
}
