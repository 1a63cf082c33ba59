package workflows

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// A result is how a run has ended, and what it said.
type result struct {
	code  int
	log   string // the file
	lines []line
}

// A line is one of act's log. Which of the fields are set depends on what it is
// about.
type line struct {
	Message   string `json:"msg"`
	Job       string `json:"jobID"`
	Said      bool   `json:"raw_output"` // by a step
	JobResult string
	Command   string // to the runner, such as error or set-output
	Raw       string // the command, where a step has said it
	Name      string // of an output
	Arg       string // what an output is set to
	Content   string // of a summary
}

func readResult(path string, code int) (*result, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &result{code: code, log: path}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var l line
		if json.Unmarshal(scanner.Bytes(), &l) != nil {
			l = line{Message: scanner.Text()} // what act says outside of its log
		}
		r.lines = append(r.lines, l)
	}
	return r, scanner.Err()
}

// jobs are those that were run, in the order in which they ended, and how.
func (r *result) jobs() []string {
	var jobs []string
	for _, l := range r.lines {
		if l.JobResult != "" {
			jobs = append(jobs, l.Job+": "+l.JobResult)
		}
	}
	return jobs
}

// said is what the steps of a job printed.
func (r *result) said(job string) string {
	var text strings.Builder
	for _, l := range r.lines {
		if l.Said && l.Job == job {
			text.WriteString(l.Message)
		}
	}
	return text.String()
}

// summary is what a job wrote for the run's page.
func (r *result) summary(job string) string {
	var text strings.Builder
	for _, l := range r.lines {
		if l.Command == "summary" && l.Job == job {
			text.WriteString(l.Content)
		}
	}
	return text.String()
}

// output is what a step of a job has set, for the steps and jobs after it.
func (r *result) output(job, name string) string {
	for _, l := range slices.Backward(r.lines) {
		if l.Command == "set-output" && l.Job == job && l.Name == name {
			return l.Arg
		}
	}
	return ""
}

// orders are the lines that a step said and the runner took for a command, such as
// an annotation.
func (r *result) orders() []string {
	var orders []string
	for _, l := range r.lines {
		if l.Raw != "" {
			orders = append(orders, strings.TrimSpace(l.Raw))
		}
	}
	return orders
}

// keeps complains of a secret in what the run said. What act says of outputs and
// masks GitHub does not show.
func (r *result) keeps(e event) error {
	secrets := parts(e.token)
	for _, secret := range e.secrets {
		secrets = append(secrets, parts(secret)...)
	}
	for _, l := range r.lines {
		if l.Command == "set-output" || l.Command == "add-mask" {
			continue
		}
		for _, secret := range secrets {
			if strings.Contains(l.Message+l.Raw+l.Content, secret) {
				return fmt.Errorf("%s has a secret: %s", r.log, l.Message)
			}
		}
	}
	return nil
}

// parts are what nobody may see of a secret: the lines of a key, and a token also as
// git sends it.
func parts(secret string) []string {
	found := []string{base64.StdEncoding.EncodeToString([]byte("x-access-token:" + secret))}
	for part := range strings.Lines(secret) {
		if part = strings.TrimSpace(part); !strings.HasPrefix(part, "-----") {
			found = append(found, part)
		}
	}
	return found
}

// text is all that the run said, for people.
func (r *result) text() string {
	var text strings.Builder
	for _, l := range r.lines {
		fmt.Fprintf(&text, "%s: %s\n", l.Job, strings.TrimRight(l.Message, "\n"))
	}
	return text.String()
}
