package wire

import (
	"fmt"
	"io"
	"os"

	"github.com/cli/go-gh/v2/pkg/browser"
	"github.com/cli/go-gh/v2/pkg/term"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout/report"
)

// usualColumns is how wide a terminal is that does not say how wide it is.
const usualColumns = 80

// page is what is printed on: a terminal, the log of a workflow's job, which people
// read, or whatever reads the other end of a pipe.
func page(t term.Term) report.Page {
	switch {
	case t.IsTerminalOutput():
		columns, _, err := t.Size()
		if err != nil || columns <= 0 {
			columns = usualColumns
		}
		return terminal(t)(columns)
	case os.Getenv("GITHUB_ACTIONS") == "true":
		return report.Page{}
	default:
		return report.Pipe()
	}
}

// terminal is how a terminal is printed on that is so many columns wide.
func terminal(t term.Term) func(columns int) report.Page {
	dumb := os.Getenv("TERM") == "dumb"
	return func(columns int) report.Page {
		p := report.Terminal(columns)
		if t.IsColorEnabled() && !dumb {
			p = p.Coloured()
		}
		if dumb || os.Getenv("ACCESSIBLE") != "" {
			p = p.Spoken()
		}
		return p
	}
}

// screen is the terminal that somebody sits at: nil where nobody does, or it can do
// nothing but print.
func screen(t term.Term) *operate.Screen {
	if !term.IsTerminal(os.Stdin) || !term.IsTerminal(os.Stdout) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &operate.Screen{In: os.Stdin, Out: os.Stdout, Page: terminal(t), Open: browse}
}

// browse opens an address in a browser, which is told none of the forge's tokens.
func browse(url string) error {
	if err := withhold(); err != nil {
		return err
	}
	if err := browser.New("", io.Discard, io.Discard).Browse(url); err != nil {
		return fmt.Errorf("open %s: %w", url, err)
	}
	return nil
}
