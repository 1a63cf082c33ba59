package process

import "syscall"

// attributes give a process a group of its own, so that Ctrl-C in a terminal
// reaches only the one that ends the others in order, and has it killed when that
// one is gone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// interrupted has a process asked to end when the thread that started it is gone.
func interrupted() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
}
