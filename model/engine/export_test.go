package engine

import "testing"

// What the tests of package engine_test, which may import every engine, share with the tests in here.

func RuntimeOrSkip(t testing.TB) *Runtime { return runtimeOrSkip(t) }

func RepositoryRoot() (string, error) { return repositoryRoot() }

func Relative(got []float32, want []float64) float64 { return relative(got, want) }
