/*
 * The same lines over TCP: an empty line or "probe TOKEN" is answered with a line of kind p, an HTTP GET with
 * that line as a page, other lines as on the console. One thread, a bounded number of connections.
 */
#include "selfcheck.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 32

struct client {
    int socket;
    size_t length;
    char line[256];
};

static int listening[MAX_PORTS];
static int listening_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void drop(struct client *client)
{
    close(client->socket);
    client->socket = -1;
}

static void serve_page(struct client *client)
{
    char page[LINE_MAX_BYTES + 128], line[LINE_MAX_BYTES];
    size_t length = report_line(line, 'p', last_sequence(), NULL);
    int total = snprintf(page, sizeof page,
                         "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%.*s", length,
                         (int)length, line);

    (void)!send(client->socket, page, (size_t)total, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(client->socket, SHUT_WR);
}

static void take(struct client *client)
{
    struct answer_to to = {.socket = client->socket};
    char text[256];
    ssize_t n = recv(client->socket, text, sizeof text, MSG_DONTWAIT);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            drop(client);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\r')
            continue;
        if (text[i] != '\n') {
            if (client->length == sizeof client->line - 1) {
                drop(client);
                return;
            }
            client->line[client->length++] = text[i];
            continue;
        }
        client->line[client->length] = '\0';
        client->length = 0;
        if (strncmp(client->line, "GET ", 4) == 0) {
            serve_page(client);
            return;
        }
        if (client->line[0] == '\0')
            strcpy(client->line, "probe");
        command_run(client->line, &to);
    }
}

static void *network_thread(void *unused)
{
    static struct client clients[CLIENTS];

    (void)unused;
    for (int i = 0; i < CLIENTS; i++)
        clients[i].socket = -1;
    for (;;) {
        struct pollfd fds[MAX_PORTS + CLIENTS];
        int listeners;

        pthread_mutex_lock(&lock);
        listeners = listening_count;
        for (int i = 0; i < listeners; i++)
            fds[i] = (struct pollfd){.fd = listening[i], .events = POLLIN};
        pthread_mutex_unlock(&lock);
        for (int i = 0; i < CLIENTS; i++)
            fds[listeners + i] = (struct pollfd){.fd = clients[i].socket, .events = POLLIN};
        if (poll(fds, (nfds_t)(listeners + CLIENTS), 500) <= 0)
            continue;
        for (int i = 0; i < listeners; i++) {
            int socket, slot = 0, on = 1;

            if (fds[i].revents == 0)
                continue;
            socket = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
            while (slot < CLIENTS && clients[slot].socket >= 0)
                slot++;
            if (socket < 0 || slot == CLIENTS) {
                if (socket >= 0)
                    close(socket);
                continue;
            }
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
            clients[slot] = (struct client){.socket = socket};
        }
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].socket >= 0 && fds[listeners + i].fd == clients[i].socket && fds[listeners + i].revents != 0)
                take(&clients[i]);
    }
    return NULL;
}

const char *network_listen(int port)
{
    static bool started;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, fd;
    const char *problem = NULL;
    pthread_t thread;

    if (port < 1 || port > 65535)
        return "a port is a number from 1 to 65535";
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return strerror(errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    pthread_mutex_lock(&lock);
    if (listening_count == MAX_PORTS)
        problem = "8 ports at most";
    else if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0)
        problem = strerror(errno);
    else
        listening[listening_count++] = fd;
    if (problem != NULL)
        close(fd);
    else if (!started)
        started = pthread_create(&thread, NULL, network_thread, NULL) == 0;
    pthread_mutex_unlock(&lock);
    return problem;
}
