#include "loops.h"

#ifdef TAPE_X86
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#define LOOPS tape_loops_avx512
#define LOOPS_NAME "AVX-512 loops"
#define LOOPS_WIDE
#include "loops_all.h"
#endif
