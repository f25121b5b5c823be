/* A load generator for /ws/echo that shares nothing with loadtest/: what the harness measures is
 * compared with what this one does (tests/benchmarks/agreement.py).
 *
 * Plain C and Linux: epoll, timerfd, frames of its own (RFC 6455). Messages fall due at even times,
 * the connections take turns, and a latency is from the due time to the return of the read() that
 * brought the echo, so one that is sent late, or waits, counts from when it should have gone.
 *
 *   cc -O2 -o echo_client echo_client.c
 *   echo_client PORT SERVER CONNECTIONS RATE IN_FLIGHT BYTES WARM_UP SECONDS
 *
 * SERVER is the process id. RATE is of all connections together. With an IN_FLIGHT above 0 there is
 * no rate: each connection keeps so many messages under way, each echo letting the next one go.
 * BYTES are those of a message; what falls due in the WARM_UP seconds before is sent, but not measured. Prints JSON:
 * latencies in milliseconds, and the shares of a core that this process and the server used. Ends
 * with 1 and a sentence if something is amiss.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ULL
#define BUFFER 65536
#define BUCKETS 4000000 /* of a microsecond: what takes longer is in the last one */
#define STAMP 16        /* hexadecimal digits: the due time in nanoseconds */
#define MESSAGE_LEAST STAMP
#define MESSAGE_MOST 4096
#define PATIENCE (5 * NS) /* for what is under way at the end */

struct connection {
    int descriptor;
    uint64_t last; /* the due time of its last echo: they come in order */
    size_t kept;   /* bytes of a frame that is not complete */
    unsigned char buffer[BUFFER];
};

static struct connection *connections;
static int connection_count, in_flight, message_bytes;
static uint64_t measured_from, measured_to;
static uint64_t sent, received, measured, forged, disordered, slowest;
static uint32_t histogram[BUCKETS];

/* The wall, this process, the server: when the measured seconds begin, and when they end. */
struct clocks {
    uint64_t wall, client, server;
};
static struct clocks first, last;
static clockid_t server_clock;

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * NS + time.tv_nsec;
}

static struct clocks read_clocks(void)
{
    struct clocks now = {read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID),
                         read_clock(server_clock)};
    return now;
}

static void write_all(int descriptor, const void *bytes, size_t length)
{
    ssize_t written = write(descriptor, bytes, length);
    /* The socket's buffer holds thousands of messages: a full one means that nobody reads. */
    if (written != (ssize_t)length)
        fail("The server takes no more: %s.", written < 0 ? strerror(errno) : "a full buffer");
}

static void open_connection(struct connection *connection, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char answer[4096];
    size_t length = 0;
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        fail("Cannot connect to port %d: %s.", port, strerror(errno));
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    dprintf(connection->descriptor,
            "GET /ws/echo HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n", port);
    do {
        ssize_t got = read(connection->descriptor, answer + length, sizeof answer - 1 - length);
        if (got <= 0)
            fail("The server ended the opening handshake.");
        answer[length += got] = 0;
    } while (!strstr(answer, "\r\n\r\n"));
    if (strncmp(answer, "HTTP/1.1 101 ", 13))
        fail("The server refused the opening handshake: %.*s", (int)strcspn(answer, "\r"), answer);
    fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
}

/* A text message: the due time in hexadecimal, then filling. Masked, as a client has to. */
static void send_message(struct connection *connection, uint64_t due)
{
    static uint32_t chance = 2463534242u;
    unsigned char frame[8 + MESSAGE_MOST], *at = frame, mask[4];
    char payload[MESSAGE_MOST + 1];

    snprintf(payload, sizeof payload, "%016llx", (unsigned long long)due);
    memset(payload + STAMP, 'x', message_bytes - STAMP);
    chance ^= chance << 13, chance ^= chance >> 17, chance ^= chance << 5;
    memcpy(mask, &chance, 4);
    *at++ = 0x81;
    if (message_bytes < 126) {
        *at++ = 0x80 | message_bytes;
    } else {
        *at++ = 0x80 | 126;
        *at++ = message_bytes >> 8;
        *at++ = message_bytes;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (int i = 0; i < message_bytes; i++)
        *at++ = payload[i] ^ mask[i & 3];
    write_all(connection->descriptor, frame, at - frame);
    sent++;
}

static void hear(struct connection *connection, const unsigned char *payload, uint64_t now)
{
    char stamp[STAMP + 1] = {0}, *end;
    uint64_t due, latency;

    memcpy(stamp, payload, STAMP);
    due = strtoull(stamp, &end, 16);
    received++;
    if (*end || due > now) {
        forged++;
        return;
    }
    for (int i = STAMP; i < message_bytes; i++)
        if (payload[i] != 'x') {
            forged++;
            return;
        }
    if (due < connection->last)
        disordered++;
    connection->last = due;
    if (due >= measured_from && due < measured_to) {
        latency = now - due;
        if (latency > slowest)
            slowest = latency;
        latency /= 1000;
        histogram[latency < BUCKETS ? latency : BUCKETS - 1]++;
        measured++;
    }
    if (in_flight && now < measured_to)
        send_message(connection, now);
}

static void read_from(struct connection *connection)
{
    ssize_t got = read(connection->descriptor, connection->buffer + connection->kept,
                       BUFFER - connection->kept);
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    size_t start = 0, end;

    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        fail("The server closed a connection.");
    }
    end = connection->kept + got;
    while (end - start >= 2) {
        const unsigned char *frame = connection->buffer + start;
        size_t header = 2, length = frame[1];
        if (length == 126) {
            header = 4;
            if (end - start < header)
                break;
            length = frame[2] << 8 | frame[3];
        }
        if (end - start < header + length)
            break;
        if (frame[0] != 0x81 || length != (size_t)message_bytes)
            fail("Not an echo: opcode %d, %zu bytes.", frame[0] & 15, length);
        hear(connection, frame + header, now);
        start += header + length;
    }
    connection->kept = end - start;
    memmove(connection->buffer, connection->buffer + start, connection->kept);
}

static void wait_until(int timer, uint64_t due)
{
    struct itimerspec time = {.it_value = {due / NS, due % NS}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &time, NULL);
}

/* Until the end, and on until every echo has come. */
static void run(int poll, int timer, double rate)
{
    struct epoll_event events[256];
    uint64_t begin = read_clock(CLOCK_MONOTONIC), number = 0, due = begin;

    if (in_flight) {
        for (int i = 0; i < connection_count * in_flight; i++)
            send_message(&connections[i % connection_count], begin);
        due = measured_from;
    }
    wait_until(timer, due);
    for (;;) {
        int count = epoll_wait(poll, events, 256, 1000);
        uint64_t now = read_clock(CLOCK_MONOTONIC), expirations;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                read_from(events[i].data.ptr);
            else if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
                fail("The timer fails: %s.", strerror(errno));
        }
        for (; !in_flight && due <= now && due < measured_to; number++) {
            send_message(&connections[number % connection_count], due);
            due = begin + (uint64_t)((number + 1) / rate * NS);
        }
        if (!first.wall && now >= measured_from)
            first = read_clocks();
        if (!last.wall && now >= measured_to)
            last = read_clocks();
        if (now >= measured_to && (received == sent || now > measured_to + PATIENCE))
            return;
        if (in_flight)
            due = now < measured_from ? measured_from : measured_to;
        if (due > now)
            wait_until(timer, due < measured_to ? due : measured_to);
    }
}

static double percentile(double share)
{
    uint64_t rank = (uint64_t)(share * measured), seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += histogram[i]) > rank)
            return i / 1e3;
    return slowest / 1e6;
}

static void print_found(void)
{
    double wall = last.wall - first.wall;
    printf("{\"sent\": %llu, \"received\": %llu, \"measured\": %llu, \"forged\": %llu, "
           "\"disordered\": %llu, \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f, "
           "\"client\": %.4f, \"server\": %.4f}\n",
           (unsigned long long)sent, (unsigned long long)received, (unsigned long long)measured,
           (unsigned long long)forged, (unsigned long long)disordered, percentile(0.5),
           percentile(0.9), percentile(0.99), slowest / 1e6, (last.client - first.client) / wall,
           (last.server - first.server) / wall);
}

int main(int count, char **words)
{
    struct rlimit files;
    struct epoll_event event = {.events = EPOLLIN};
    double rate, warm_up, seconds;
    int poll, timer;

    if (count != 9)
        fail("usage: echo_client PORT SERVER CONNECTIONS RATE IN_FLIGHT BYTES WARM_UP SECONDS");
    connection_count = atoi(words[3]);
    rate = atof(words[4]);
    in_flight = atoi(words[5]);
    message_bytes = atoi(words[6]);
    warm_up = atof(words[7]);
    seconds = atof(words[8]);
    if (connection_count < 1 || (!in_flight && rate <= 0))
        fail("There must be connections, and a rate or messages in flight.");
    if (message_bytes < MESSAGE_LEAST || message_bytes > MESSAGE_MOST)
        fail("A message has %d to %d bytes.", MESSAGE_LEAST, MESSAGE_MOST);
    if (clock_getcpuclockid(atoi(words[2]), &server_clock))
        fail("There is no process %s.", words[2]);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    connections = calloc(connection_count, sizeof *connections);
    poll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (!connections || poll < 0 || timer < 0)
        fail("No memory, or no descriptors: %s.", strerror(errno));
    epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event);
    for (int i = 0; i < connection_count; i++) {
        open_connection(&connections[i], atoi(words[1]));
        event.data.ptr = &connections[i];
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].descriptor, &event);
    }
    measured_from = read_clock(CLOCK_MONOTONIC) + (uint64_t)(warm_up * NS);
    measured_to = measured_from + (uint64_t)(seconds * NS);
    run(poll, timer, rate);
    print_found();
    return 0;
}
