package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/monosense/k8s-ops/rollout"
)

// Live shows the status on a terminal until somebody quits, or ctx ends, which is no
// error. The terminal is then as it was.
func Live(ctx context.Context, o Options) error {
	_, err := tea.NewProgram(newModel(ctx, o), tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out)).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}

// A model is what is on the screen.
type model struct {
	session
	ctx    context.Context //nolint:containedctx // a screen lives as long as it is looked at
	body   viewport.Model
	height int
	// asking is since when a question has no answer yet.
	asking time.Time
	// view is what is shown in the status's place, if anything is, and text what it
	// says.
	view *View
	text string
	// notice is what came of the last key, if there is anything to say.
	notice string
}

func newModel(ctx context.Context, o Options) *model {
	m := &model{session: session{Options: o}, ctx: ctx, body: viewport.New()}
	m.asked = o.Now()
	return m
}

type (
	tick   struct{}
	viewed struct {
		view *View
		text string
	}
	opened struct{ err error }
)

// second is how often the screen counts down.
func second() tea.Cmd {
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return tick{} })
}

// Init implements [tea.Model].
func (m *model) Init() tea.Cmd { return tea.Batch(second(), m.work()) }

// Update implements [tea.Model].
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tick:
		cmd = tea.Batch(second(), m.work())
	case answer:
		m.asking = time.Time{}
		m.take(m.Now(), msg)
	case viewed:
		m.view, m.text, m.notice = msg.view, msg.text, ""
		m.body.GotoTop()
	case opened:
		m.notice = notice(msg.err)
	case tea.KeyPressMsg:
		m.notice = ""
		cmd = m.press(msg)
	}
	m.resize(m.body.Width(), m.height)
	m.body.SetContent(m.content())
	return m, cmd
}

// work asks what there is to ask by now.
func (m *model) work() tea.Cmd {
	what, when := m.next()
	if !m.asking.IsZero() || when.After(m.Now()) {
		return nil
	}
	m.asking = m.Now()
	// The question is asked of the session as it is: the screen goes on meanwhile.
	asked := m.session
	return func() tea.Msg { return asked.ask(m.ctx, what) }
}

// press does what a key is for.
func (m *model) press(key tea.KeyPressMsg) tea.Cmd {
	switch name := key.String(); name {
	case "q", "ctrl+c":
		return tea.Quit
	case "esc":
		m.view = nil
		return nil
	case "r":
		m.outdated = true
		return m.work()
	case "o":
		return func() tea.Msg { return opened{m.Open()} }
	default:
		for i := range m.Views {
			if m.Views[i].Key == name {
				return m.show(&m.Views[i])
			}
		}
	}
	var cmd tea.Cmd
	m.body, cmd = m.body.Update(key)
	return cmd
}

// show shows a view, or the status again.
func (m *model) show(v *View) tea.Cmd {
	if m.view == v {
		m.view = nil
		return nil
	}
	page := m.Page(m.body.Width())
	m.notice = v.Name + " …"
	return func() tea.Msg {
		var text strings.Builder
		if err := v.Write(m.ctx, page, &text); err != nil {
			fmt.Fprintf(&text, "\n%s\n", rollout.OneLine(err.Error(), 1000))
		}
		return viewed{v, text.String()}
	}
}

func notice(err error) string {
	if err == nil {
		return ""
	}
	return rollout.OneLine(err.Error(), 300)
}

// frame is how many lines stand around the body.
const frame = 2

func (m *model) resize(width, height int) {
	m.height = height
	m.body.SetWidth(width)
	m.body.SetHeight(max(height-frame-len(m.runs), 1))
}

// content is what the body shows.
func (m *model) content() string {
	if m.view != nil {
		return m.text
	}
	if m.looked.IsZero() {
		return ""
	}
	var text strings.Builder
	_ = m.Draw(m.current(m.Now())).Draw(&text, m.Page(m.body.Width())) // to memory
	return text.String()
}

// View implements [tea.Model].
func (m *model) View() tea.View {
	lines := []string{m.head()}
	for _, run := range m.runs {
		lines = append(lines, m.line(run))
	}
	v := tea.NewView(strings.Join(append(lines, m.body.View(), m.foot()), "\n"))
	v.AltScreen = true
	return v
}

// head says what is watched, and how old it is.
func (m *model) head() string {
	return m.line(rollout.Printable(m.Name, 200) + "  " + m.Now().In(m.Zone).Format("15:04:05") + "  " + m.age())
}

func (m *model) age() string {
	_, next := m.next()
	var parts []string
	switch {
	case m.trouble != nil:
		parts = append(parts, fmt.Sprintf("NO ANSWER since %s: %s", m.since.In(m.Zone).Format("15:04:05"), rollout.OneLine(m.trouble.Error(), 200)))
		if m.asking.IsZero() {
			parts = append(parts, "asks again in "+countdown(next.Sub(m.Now())))
		}
	case !m.looked.IsZero():
		parts = append(parts, fmt.Sprintf("asked %s ago", countdown(m.Now().Sub(m.asked))))
	}
	if !m.asking.IsZero() {
		parts = append(parts, fmt.Sprintf("asking for %s …", countdown(m.Now().Sub(m.asking))))
	}
	return strings.Join(parts, "; ")
}

func countdown(d time.Duration) string {
	return rollout.FormatDuration(max(d, 0).Truncate(time.Second))
}

// foot says what keys are for.
func (m *model) foot() string {
	if m.notice != "" {
		return m.line(m.notice)
	}
	var keys []string
	if !m.body.AtBottom() || !m.body.AtTop() {
		keys = append(keys, fmt.Sprintf("↑↓ %d%%", int(m.body.ScrollPercent()*100)))
	}
	keys = append(keys, "q quit", "r ask now")
	for i := range m.Views {
		name := m.Views[i].Name
		if m.view == &m.Views[i] {
			name = "back"
		}
		keys = append(keys, m.Views[i].Key+" "+name)
	}
	if m.Open != nil {
		keys = append(keys, "o browser")
	}
	return m.line(strings.Join(keys, " · "))
}

// line cuts what is wider than the screen.
func (m *model) line(text string) string {
	return lipgloss.NewStyle().MaxWidth(m.body.Width()).Render(text)
}
