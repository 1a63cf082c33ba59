//go:build race

package simulate

// racing says that the race detector watches: it makes everything many times
// slower, and finds no more in two hundred years than in five.
const racing = true
