/*
 * delay-relay PORT TAP DELAY-FILE: holds every Ethernet frame between PORT and TAP for a given time.
 *
 * PORT is an existing interface (the switch's end of a node's cable); TAP is made here and vanishes with
 * this process. Whatever comes in at one leaves at the other, in order, DELAY-FILE's number of
 * microseconds later (a frame that is already waiting keeps its own time). SIGHUP reads the file again.
 * Prints "ready" when both ends are open. Linux kernels without netem are the reason for its existence.
 *
 * Frames carry a virtio_net_hdr, so 64 KiB segments and unfinished checksums pass unchanged, and the
 * relay costs one read and one write for each of them. At most QUEUE_BYTES wait in each direction; what
 * exceeds that is dropped, as a router would.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX (65536 + 512 + (int)sizeof(struct virtio_net_hdr))
#define QUEUE_BYTES (256u << 20)
#define BATCH 64

struct frame {
  struct frame *next;
  int64_t due; /* ns, CLOCK_MONOTONIC */
  size_t length;
  unsigned char bytes[];
};

/* One direction: frames in the order they came, and so, with a constant delay, in the order they are due. */
struct direction {
  int from, to;
  struct frame *first, **last;
  size_t waiting; /* bytes */
};

static volatile sig_atomic_t reload = 1;

static void on_hangup(int signal_number) {
  (void)signal_number;
  reload = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "delay-relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t read_delay(const char *path) {
  FILE *file = fopen(path, "re");
  long long microseconds;
  if (!file) fail(path);
  if (fscanf(file, "%lld", &microseconds) != 1 || microseconds < 0 || microseconds > 60000000) {
    fprintf(stderr, "delay-relay: %s holds no number of microseconds up to 60 s\n", path);
    exit(1);
  }
  fclose(file);
  return microseconds * 1000;
}

static int open_port(const char *name) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
  int one = 1, buffer = 64 << 20;
  /* protocol 0: nothing is received before bind has named the interface */
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("packet socket");
  address.sll_ifindex = promiscuous.mr_ifindex = (int)if_nametoindex(name);
  if (!address.sll_ifindex) fail(name);
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one)) fail("PACKET_VNET_HDR");
  /* without this we would hear, and send around for ever, our own frames */
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one)) fail("PACKET_IGNORE_OUTGOING");
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous)) fail("promiscuous mode");
  /* the send buffer must not be smaller than tbf's queue behind it, which is charged to this socket */
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer)) fail("SO_RCVBUFFORCE");
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer)) fail("SO_SNDBUFFORCE");
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("bind");
  return fd;
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  int header = (int)sizeof(struct virtio_net_hdr);
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("/dev/net/tun");
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(fd, TUNSETIFF, &request)) fail(name);
  if (ioctl(fd, TUNSETVNETHDRSZ, &header)) fail("TUNSETVNETHDRSZ");
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) fail("TUNSETOFFLOAD");
  return fd;
}

/* Takes in what has arrived. Stops at BATCH frames, so that due frames of the other direction don't wait. */
static void take(struct direction *d, int64_t delay) {
  static unsigned char buffer[FRAME_MAX];
  for (int i = 0; i < BATCH; i++) {
    ssize_t length = read(d->from, buffer, sizeof buffer);
    struct frame *frame;
    if (length < 0) {
      /* ENETDOWN: the link was cut; it may be mended later */
      if (errno == EAGAIN || errno == EINTR || errno == ENETDOWN || errno == EIO) return;
      fail("read");
    }
    if (length == 0) return;
    if (d->waiting + (size_t)length > QUEUE_BYTES) continue;
    frame = malloc(sizeof *frame + (size_t)length);
    if (!frame) continue;
    frame->next = NULL;
    frame->due = now() + delay;
    frame->length = (size_t)length;
    memcpy(frame->bytes, buffer, (size_t)length);
    *d->last = frame;
    d->last = &frame->next;
    d->waiting += (size_t)length;
  }
}

/* Sends what is due. A frame that the other end can't take now (queue full, link down) is lost, as on a wire. */
static void give(struct direction *d, int64_t time) {
  while (d->first && d->first->due <= time) {
    struct frame *frame = d->first;
    if (write(d->to, frame->bytes, frame->length) < 0) { /* lost */
    }
    d->first = frame->next;
    if (!d->first) d->last = &d->first;
    d->waiting -= frame->length;
    free(frame);
  }
}

int main(int count, char **arguments) {
  struct direction out = {0}, in = {0};
  struct sigaction hangup = {.sa_handler = on_hangup};
  sigset_t blocked, waiting;
  int64_t delay = 0;
  if (count != 4) {
    fprintf(stderr, "usage: delay-relay PORT TAP DELAY-FILE\n");
    return 2;
  }
  out.from = in.to = open_port(arguments[1]);
  out.to = in.from = open_tap(arguments[2]);
  out.last = &out.first;
  in.last = &in.first;

  /* SIGHUP comes only while waiting in ppoll, so it can't be lost between the check and the wait */
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGHUP);
  sigprocmask(SIG_BLOCK, &blocked, &waiting);
  sigdelset(&waiting, SIGHUP);
  sigaction(SIGHUP, &hangup, NULL);

  for (int announced = 0;;) {
    struct pollfd ends[] = {{.fd = out.from, .events = POLLIN}, {.fd = in.from, .events = POLLIN}};
    struct timespec timeout, *limit = NULL;
    int64_t due = INT64_MAX, time;
    if (reload) {
      reload = 0;
      delay = read_delay(arguments[3]);
    }
    if (!announced) {
      announced = puts("ready") >= 0 && fflush(stdout) == 0;
    }
    if (out.first) due = out.first->due;
    if (in.first && in.first->due < due) due = in.first->due;
    if (due != INT64_MAX) {
      int64_t left = due - now();
      if (left < 0) left = 0;
      timeout = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
      limit = &timeout;
    }
    if (ppoll(ends, 2, limit, &waiting) < 0 && errno != EINTR) fail("ppoll");
    time = now();
    give(&out, time);
    give(&in, time);
    if (ends[0].revents & (POLLIN | POLLERR)) take(&out, delay);
    if (ends[1].revents & (POLLIN | POLLERR)) take(&in, delay);
  }
}
