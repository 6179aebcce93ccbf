// A fixed pool of threads for loops whose items do not depend on one another.
//
// What an item computes depends on its number alone, never on the thread that takes it, so that results are
// the same from run to run.
#ifndef TAPE_POOL_H
#define TAPE_POOL_H

#include <stddef.h>

typedef struct tape_pool tape_pool;

// A task computes one item; scratch is the calling thread's own memory.
typedef void tape_task(const void *arg, long item, float *scratch);

// NULL when threads or memory cannot be had.
tape_pool *tape_pool_new(int threads);
void tape_pool_free(tape_pool *pool);

// Makes room for so many floats of scratch for each thread, and so many for all together. 0, or -1 when there
// is no memory.
int tape_pool_reserve(tape_pool *pool, size_t each, size_t common);

int tape_pool_threads(const tape_pool *pool);
float *tape_pool_common(const tape_pool *pool);

// Computes items 0 to items-1 and returns when all are done. One caller at a time.
void tape_parallel(tape_pool *pool, tape_task *task, const void *arg, long items);

// Asks the kernel to put the whole large pages in this memory on large pages. A hint: nothing depends on it.
void tape_large_pages(void *memory, size_t bytes);

#endif
