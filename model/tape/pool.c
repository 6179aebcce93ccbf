#define _DEFAULT_SOURCE // madvise

#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

// How often an idle thread looks for work before it sleeps: some 30 µs, more than lies between two layers, and
// nothing beside a control period.
enum { SPINS = 4000, ALIGN = 64 };

// Set in tape_pool.inside while there is nothing to take.
static const unsigned closed = 1u << 31;

struct tape_pool {
	int threads; // the caller among them
	int started;
	pthread_t *ids;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_uint turn; // counts loops
	atomic_int sleepers;
	atomic_int stop;
	atomic_int names; // next worker's number

	atomic_uint inside; // workers at the loop, and closed
	tape_task *task;
	const void *arg;
	long items;
	atomic_long next;

	float **scratch; // of each thread
	float *common;
	size_t each, together; // floats
};

static inline void relax(void) {
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void take(tape_pool *p, int thread) {
	long item;
	while ((item = atomic_fetch_add(&p->next, 1)) < p->items)
		p->task(p->arg, item, p->scratch[thread]);
}

// Enters the loop unless it is over. A worker that comes late touches nothing and is not waited for.
static void join(tape_pool *p, int thread) {
	if (!(atomic_fetch_add(&p->inside, 1) & closed))
		take(p, thread);
	atomic_fetch_sub(&p->inside, 1);
}

static unsigned wait_turn(tape_pool *p, unsigned seen) {
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load(&p->turn) != seen)
			return atomic_load(&p->turn);
		relax();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->sleepers, 1);
	while (atomic_load(&p->turn) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->sleepers, 1);
	pthread_mutex_unlock(&p->lock);
	return atomic_load(&p->turn);
}

static void *work(void *arg) {
	tape_pool *p = arg;
	int thread = atomic_fetch_add(&p->names, 1);
	unsigned seen = 0;
	for (;;) {
		seen = wait_turn(p, seen);
		if (atomic_load(&p->stop))
			return NULL;
		join(p, thread);
	}
}

static void announce(tape_pool *p) {
	atomic_fetch_add(&p->turn, 1);
	if (atomic_load(&p->sleepers) == 0)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void tape_parallel(tape_pool *p, tape_task *task, const void *arg, long items) {
	p->task = task, p->arg = arg, p->items = items;
	atomic_store(&p->next, 0);
	if (items > 1 && p->started > 0) {
		atomic_fetch_and(&p->inside, ~closed);
		announce(p);
	}
	take(p, 0);
	atomic_fetch_or(&p->inside, closed);
	for (int i = 0; atomic_load(&p->inside) != closed; i++) {
		if (i < SPINS)
			relax();
		else
			sched_yield();
	}
}

// Starts the workers with all signals blocked: those are for the threads of Go's runtime.
static int start(tape_pool *p) {
	sigset_t all, old;
	int failed = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->started < p->threads - 1 && !failed) {
		failed = pthread_create(&p->ids[p->started], NULL, work, p);
		p->started += !failed;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed;
}

tape_pool *tape_pool_new(int threads) {
	tape_pool *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->threads = threads;
	atomic_store(&p->inside, closed);
	atomic_store(&p->names, 1);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->ids = calloc(threads, sizeof *p->ids);
	p->scratch = calloc(threads, sizeof *p->scratch);
	if (!p->ids || !p->scratch) {
		tape_pool_free(p);
		return NULL;
	}
	if (start(p)) {
		tape_pool_free(p);
		return NULL;
	}
	return p;
}

void tape_pool_free(tape_pool *p) {
	atomic_store(&p->stop, 1);
	announce(p);
	for (int i = 0; i < p->started; i++)
		pthread_join(p->ids[i], NULL);
	for (int i = 0; p->scratch && i < p->threads; i++)
		free(p->scratch[i]);
	free(p->common);
	free(p->scratch);
	free(p->ids);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int grow(float **memory, size_t floats) {
	size_t bytes = (floats * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
	float *fresh = aligned_alloc(ALIGN, bytes);
	if (!fresh)
		return -1;
	free(*memory);
	*memory = fresh;
	return 0;
}

int tape_pool_reserve(tape_pool *p, size_t each, size_t common) {
	if (each > p->each) {
		for (int i = 0; i < p->threads; i++)
			if (grow(&p->scratch[i], each))
				return -1;
		p->each = each;
	}
	if (common > p->together) {
		if (grow(&p->common, common))
			return -1;
		p->together = common;
	}
	return 0;
}

int tape_pool_threads(const tape_pool *p) { return p->threads; }
float *tape_pool_common(const tape_pool *p) { return p->common; }

void tape_large_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
	const uintptr_t page = 2 << 20;
	uintptr_t from = ((uintptr_t)memory + page - 1) / page * page, to = ((uintptr_t)memory + bytes) / page * page;
	if (to > from)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
#endif
}
