package report

import (
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// state is a verdict in a few words: what it is, and what is lifted last of all
// that the revision itself waits for.
func state(now time.Time, v rollout.Verdict) string {
	if len(v.Blocks) == 0 {
		return string(v.Outcome)
	}
	own, stage := split(v.Blocks)
	if len(own) == 0 {
		last := last(stage)
		return string(last.Outcome) + left(now, last)
	}
	last := last(own)
	text := words(last.Outcome) + left(now, last)
	if first := own[0].Outcome; first != last.Outcome {
		text = fmt.Sprintf("%s; %s", words(first), text)
	}
	for _, b := range stage {
		if !last.Until.IsZero() && (b.Until.IsZero() || b.Until.After(last.Until)) {
			return fmt.Sprintf("%s, then %s", text, b.Outcome)
		}
	}
	return text
}

// split parts what keeps a revision in from what keeps the whole stage where
// it stands.
func split(blocks []rollout.Block) (own, stage []rollout.Block) {
	for i, b := range blocks {
		if b.Gate == rollout.GateHold || b.Gate == rollout.GateWindow {
			return blocks[:i], blocks[i:]
		}
	}
	return blocks, nil
}

// last is the block that is lifted last: one that time alone does not lift, if
// there is one.
func last(blocks []rollout.Block) rollout.Block {
	latest := blocks[0]
	for _, b := range blocks {
		switch {
		case latest.Until.IsZero():
			return latest
		case b.Until.IsZero() || b.Until.After(latest.Until):
			latest = b
		}
	}
	return latest
}

// left is how long a block lasts, if that is known.
func left(now time.Time, b rollout.Block) string {
	switch {
	case b.Until.IsZero():
		return ""
	case b.Gate == rollout.GateHold || b.Gate == rollout.GateWindow:
		return " until " + rollout.FormatTime(b.Until)
	default:
		return fmt.Sprintf(", %s left", rollout.FormatDuration(b.Until.Sub(now)))
	}
}
