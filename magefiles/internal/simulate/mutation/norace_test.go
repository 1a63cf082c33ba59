//go:build !race

package mutation

const racing = false
