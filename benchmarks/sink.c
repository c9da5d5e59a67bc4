/* A stand-in for Elasticsearch, only as a load target: it reads what a shipper sends to _bulk, inflates it, counts
 * the documents and acknowledges each of them. It stores nothing, so that the shipper is what a run measures.
 *
 *   gcc -O2 -o sink sink.c -lz -lpthread && ./sink PORT        (loopback only)
 *   GET /count   {"docs":…,"wire":…,"plain":…,"requests":…}
 *
 * A document is two lines (action, source); empty ones do not count. Templates and the like are "not found" when asked for and "acknowledged"
 * when written, so that a shipper's set-up runs too. Bodies need a content-length. One thread a connection. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

static atomic_llong docs, wire, plain, requests;

static const char INFO[] =
    "{\"name\":\"sink\",\"cluster_name\":\"sink\",\"cluster_uuid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"version\":{"
    "\"number\":\"8.17.4\",\"build_flavor\":\"default\",\"build_type\":\"docker\",\"build_hash\":\"x\","
    "\"build_date\":\"2025-01-01T00:00:00Z\",\"build_snapshot\":false,\"lucene_version\":\"9.12.0\","
    "\"minimum_wire_compatibility_version\":\"7.17.0\",\"minimum_index_compatibility_version\":\"7.0.0\"},"
    "\"tagline\":\"You Know, for Search\"}";
static const char LICENSE[] = "{\"license\":{\"status\":\"active\",\"uid\":\"x\",\"type\":\"basic\"}}";
static const char ACKNOWLEDGED[] = "{\"acknowledged\":true}";
static const char NOT_FOUND[] = "{\"error\":{\"type\":\"resource_not_found_exception\"},\"status\":404}";
static const char NO_LENGTH[] = "{\"error\":\"content-length is needed\",\"status\":411}";
static const char ITEM[] = "{\"create\":{\"_index\":\"i\",\"status\":201}}";

struct buffer { char *at; size_t len, cap; };
struct request { char *body; size_t head_len, body_len; int gzip, chunked, expect; };
struct reply { int status; const char *body; size_t len; };

static void room(struct buffer *b, size_t cap) {
    if (b->cap >= cap) return;
    b->cap = cap;
    b->at = realloc(b->at, cap + 1);
    if (!b->at) abort();
}

static int put(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k;
        n -= k;
    }
    return 0;
}

static int fill(int fd, struct buffer *in) {
    ssize_t k = read(fd, in->at + in->len, in->cap - in->len);
    if (k <= 0) return -1;
    in->len += k;
    in->at[in->len] = 0;
    return 0;
}

/* Lines that are not empty: servers skip those, and rsyslog sends one after each document. `before` is the byte in
 * front of `p`. */
static long long lines_of(const char *p, size_t n, char before) {
    long long count = 0;
    const char *end = p + n, *start = p;
    while (p < end && (p = memchr(p, '\n', end - p))) {
        count += (p > start ? p[-1] : before) != '\n';
        p++;
    }
    return count;
}

/* Lines of a gzip body of one or more members. */
static long long inflated(char *body, size_t len) {
    z_stream z = {.next_in = (Bytef *)body, .avail_in = len};
    char out[65536], before = '\n';
    long long lines = 0;
    int r = inflateInit2(&z, 31);
    while (r == Z_OK) {
        z.next_out = (Bytef *)out;
        z.avail_out = sizeof out;
        r = inflate(&z, Z_NO_FLUSH);
        size_t n = sizeof out - z.avail_out;
        lines += lines_of(out, n, before);
        if (n) before = out[n - 1];
        atomic_fetch_add(&plain, n);
        if (r == Z_STREAM_END && z.avail_in) r = inflateReset(&z);
    }
    inflateEnd(&z);
    return lines;
}

static struct reply bulk(struct request *q, struct buffer *out) {
    long long lines = q->gzip ? inflated(q->body, q->body_len) : lines_of(q->body, q->body_len, '\n');
    size_t n = lines / 2, item = sizeof ITEM - 1;
    if (!q->gzip) atomic_fetch_add(&plain, q->body_len);
    room(out, n * (item + 1) + 128);
    char *o = out->at + sprintf(out->at, "{\"took\":1,\"errors\":false,\"items\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) *o++ = ',';
        memcpy(o, ITEM, item);
        o += item;
    }
    o += sprintf(o, "]}");
    atomic_fetch_add(&wire, q->body_len);
    atomic_fetch_add(&requests, 1);
    atomic_fetch_add(&docs, n);
    return (struct reply){200, out->at, o - out->at};
}

static struct reply count(struct buffer *out) {
    int n = sprintf(out->at, "{\"docs\":%lld,\"wire\":%lld,\"plain\":%lld,\"requests\":%lld}", (long long)docs,
                    (long long)wire, (long long)plain, (long long)requests);
    return (struct reply){200, out->at, n};
}

static struct reply text(int status, const char *body) { return (struct reply){status, body, strlen(body)}; }

/* `line` is the request line alone: method, path and query. */
static struct reply answer(const char *line, struct request *q, struct buffer *out) {
    int reads = !strncmp(line, "GET ", 4) || !strncmp(line, "HEAD ", 5);
    if (q->chunked) return text(411, NO_LENGTH);
    if (!reads && strstr(line, "_bulk")) return bulk(q, out);
    if (!strncmp(line, "GET /count", 10)) return count(out);
    if (!reads) return text(200, ACKNOWLEDGED);
    if (strstr(line, "_license")) return text(200, LICENSE);
    if (strstr(line, "_template") || strstr(line, "_data_stream") || strstr(line, "_ilm")) return text(404, NOT_FOUND);
    return text(200, INFO);
}

/* Whether a header line holds a word. */
static int named(const char *line, const char *word) {
    const char *at = strstr(line, word);
    return at && at < strstr(line, "\r\n");
}

static struct request parse(char *head, char *end) {
    struct request q = {.head_len = end + 4 - head};
    for (char *l = head; l < end; l = strstr(l, "\r\n") + 2) {
        if (!strncasecmp(l, "content-length:", 15)) q.body_len = strtoull(l + 15, 0, 10);
        if (!strncasecmp(l, "content-encoding:", 17)) q.gzip = named(l, "gzip");
        if (!strncasecmp(l, "transfer-encoding:", 18)) q.chunked = 1;
        if (!strncasecmp(l, "expect:", 7)) q.expect = 1;
    }
    return q;
}

/* One request and its answer; what was read beyond it stays in the buffer. */
static int serve(int fd, struct buffer *in, struct buffer *out) {
    char *end, line[512], head[256];
    while (!(end = strstr(in->at, "\r\n\r\n"))) {
        if (in->len == in->cap) room(in, in->cap * 2);
        if (fill(fd, in)) return -1;
    }
    struct request q = parse(in->at, end);
    snprintf(line, sizeof line, "%.*s", (int)(strstr(in->at, "\r\n") - in->at), in->at);
    if (q.expect && put(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return -1;
    room(in, q.head_len + q.body_len);
    while (in->len < q.head_len + q.body_len)
        if (fill(fd, in)) return -1;
    q.body = in->at + q.head_len;
    struct reply r = answer(line, &q, out);
    int n = sprintf(head, "HTTP/1.1 %d X\r\ncontent-type: application/json\r\nX-Elastic-Product: Elasticsearch\r\n"
                          "content-length: %zu\r\n\r\n", r.status, r.len);
    if (put(fd, head, n) || (strncmp(line, "HEAD ", 5) && put(fd, r.body, r.len)) || q.chunked) return -1;
    in->len -= q.head_len + q.body_len;
    memmove(in->at, q.body + q.body_len, in->len);
    in->at[in->len] = 0;
    return 0;
}

static void *connection(void *arg) {
    int fd = (int)(long)arg;
    struct buffer in = {0}, out = {0};
    room(&in, 1 << 20);
    room(&out, 1 << 20);
    in.at[0] = 0;
    while (!serve(fd, &in, &out)) {}
    close(fd);
    free(in.at);
    free(out.at);
    return 0;
}

int main(int argc, char **argv) {
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc != 2) return fprintf(stderr, "usage: sink PORT\n"), 2;
    a.sin_port = htons(atoi(argv[1]));
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (void *)&a, sizeof a) || listen(s, 64)) return perror("sink: bind"), 1;
    for (;;) {
        pthread_t t;
        int fd = accept(s, 0, 0);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_create(&t, 0, connection, (void *)(long)fd);
        pthread_detach(t);
    }
}
