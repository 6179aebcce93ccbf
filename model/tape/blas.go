package tape

/*
#cgo CFLAGS: -O3 -Wno-psabi
#cgo LDFLAGS: -lopenblas -lm -lpthread
#include "tape.h"
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"strings"
	"unsafe"
)

// BLAS says which OpenBLAS this process computes with.
func BLAS() string { return strings.TrimSpace(C.GoString(C.tape_blas_config())) }

// maxThreads bounds Options.Threads.
const maxThreads = 256

// pool is a fixed number of threads with their scratch memory.
type pool struct{ c *C.tape_pool }

// newPool starts the threads. It makes OpenBLAS single-threaded, for the whole process: a product is shared
// out here, together with the layers that follow it, and two sets of threads would fight for the cores.
func newPool(threads int) (*pool, error) {
	if threads < 1 || threads > maxThreads {
		return nil, fmt.Errorf("threads %d is outside 1 to %d: %w", threads, maxThreads, ErrInput)
	}
	C.tape_blas_single()
	p := C.tape_pool_new(C.int(threads))
	if p == nil {
		return nil, fmt.Errorf("starting %d threads: no threads or memory left: %w", threads, ErrMemory)
	}
	return &pool{p}, nil
}

// reserve makes room for scratch, in floats: for each thread, and for all together.
func (p *pool) reserve(each, common int) error {
	if C.tape_pool_reserve(p.c, C.size_t(each), C.size_t(common)) != 0 {
		return fmt.Errorf("reserving %d and %d floats of scratch: no memory left: %w", each, common, ErrMemory)
	}
	return nil
}

// close ends the threads; the pool is not used again.
func (p *pool) close() {
	if p.c != nil {
		C.tape_pool_free(p.c)
		p.c = nil
	}
}

// at is where a slice begins, nil for none.
func at(v []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(v))) }

// version says what computes: Gorgonia, the inner loops and OpenBLAS.
func version() string {
	gorgonia := "of unknown version"
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, d := range build.Deps {
			if d.Path == "gorgonia.org/gorgonia" {
				gorgonia = d.Version
			}
		}
	}
	return fmt.Sprintf("%s with %s and %s", gorgonia, C.GoString(C.tape_loops_name()), BLAS())
}
