package board

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/monosense/k8s-ops/e2e/internal/suite"
)

// browser is what all tests look at pages with, nil where there is none.
var browser context.Context

func TestMain(m *testing.M) { os.Exit(suite.Code(play(m))) }

// play starts the browser and runs the tests.
func play(m *testing.M) (code int, err error) {
	path, err := find()
	if err != nil {
		return 1, err
	}
	if path == "" {
		return m.Run(), nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, // it opens files of these tests alone, and runs as root in many a container
		chromedp.Flag("proxy-server", "127.0.0.1:9"), // it has nobody to ask
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(allocator)
	defer end()
	if err := chromedp.Run(browser); err != nil {
		return 1, fmt.Errorf("start %s: %w", path, err)
	}
	return m.Run(), nil
}

// find is where a Chromium is, if there is one. In CI there has to be.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if os.Getenv("CI") == "true" {
		return "", fmt.Errorf("there is no Chromium: install the package chromium")
	}
	return "", nil
}
