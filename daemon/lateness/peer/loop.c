// The control loop's time keeping in C: sleep to an absolute deadline, read the clock, skip and count what was missed.
// It asks the kernel for what the daemon's loop asks for. Arguments: period in ns, duration in ns, priority (0: none),
// 1 to lock memory, core (-1: any). Prints one line, "CLASS|SLACK_NS|LOCKED|CORE|SKIPPED|TICKS", then each tick's lateness
// as an int64 in ns. CORE is the only one that it may use, or -1.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_to(int64_t deadline) {
  struct timespec t = {deadline / INT64_C(1000000000), deadline % INT64_C(1000000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
  }
}

// only_core is the one that this thread may use, or -1.
static int only_core(void) {
  cpu_set_t may;
  if (sched_getaffinity(0, sizeof may, &may) != 0 || CPU_COUNT(&may) != 1) return -1;
  for (int core = 0; core < CPU_SETSIZE; core++) {
    if (CPU_ISSET(core, &may)) return core;
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: loop PERIOD_NS DURATION_NS PRIORITY LOCK CORE\n");
    return 2;
  }
  const int64_t period = atoll(argv[1]), duration = atoll(argv[2]);
  const int priority = atoi(argv[3]), core = atoi(argv[5]);
  int64_t *late = malloc((duration / period + 2) * sizeof *late);
  if (!late || period <= 0) return 1;
  memset(late, 0, (duration / period + 2) * sizeof *late);

  prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  struct sched_param param = {.sched_priority = priority};
  if (priority > 0) sched_setscheduler(0, SCHED_FIFO, &param);
  cpu_set_t only;
  CPU_ZERO(&only);
  if (core >= 0) {
    CPU_SET(core, &only);
    sched_setaffinity(0, sizeof only, &only);
  }
  const int locked = atoi(argv[4]) && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;

  int64_t ticks = 0, skipped = 0, deadline = now();
  const int64_t end = deadline + duration;
  while (deadline < end) {
    deadline += period;
    for (const int64_t at = now(); deadline < at; deadline += period) skipped++;
    sleep_to(deadline);
    late[ticks++] = now() - deadline;
  }
  const int fifo = sched_getscheduler(0) == SCHED_FIFO;
  sched_getparam(0, &param);
  char class[32] = "SCHED_OTHER";
  if (fifo) snprintf(class, sizeof class, "SCHED_FIFO %d", param.sched_priority);
  printf("%s|%d|%d|%d|%lld|%lld\n", class, fifo ? 0 : prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), locked, only_core(),
         (long long)skipped, (long long)ticks);
  fwrite(late, sizeof *late, ticks, stdout);
  return 0;
}
