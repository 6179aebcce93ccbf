#define LOOPS tape_loops_plain
#include "loops_all.h"
