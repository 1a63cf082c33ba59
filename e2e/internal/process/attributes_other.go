//go:build unix && !linux

package process

import "syscall"

// attributes give a process a group of its own, so that Ctrl-C in a terminal
// reaches only the one that ends the others in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// interrupted does nothing: a process is not told here that the one that started it is
// gone.
func interrupted() *syscall.SysProcAttr { return nil }
