/* A clock that is set all the time: each look at the time of day is days away from the one before. To be preloaded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A pattern that alternates would look still to who looks an even number of times: a mix of the count has no period. */
static void jump(long long *seconds) {
    static unsigned looks;
    unsigned look = __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
    *seconds += ((long long)((look * 2654435761u) >> 16) % 7 - 3) * 86400;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long seconds = time->tv_sec;
        jump(&seconds);
        time->tv_sec = seconds;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) *result = now.tv_sec;
    return now.tv_sec;
}
