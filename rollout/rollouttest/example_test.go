package rollouttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// A GitHub with one repository, asked over HTTP when a commit arrived on main.
func Example() {
	clock := rollouttest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	github, err := rollouttest.Start(rollouttest.Options{Clock: clock.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer github.Close()
	repository := github.Repositories()[0]
	if _, err := repository.Commit("main", rollouttest.Change{Files: map[string]string{"README.md": "Hello\n"}}); err != nil {
		fmt.Println(err)
		return
	}

	request, _ := http.NewRequest(http.MethodGet, github.URL()+"/api/v3/repos/octo-org/fleet/activity?ref=main", nil)
	request.Header.Set("Authorization", "Bearer "+rollouttest.DefaultToken)
	client := &http.Client{Transport: github.Transport()}
	response, err := client.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	var rows []struct {
		Timestamp time.Time
		Type      string `json:"activity_type"`
	}
	if err := json.NewDecoder(response.Body).Decode(&rows); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rows[0].Type, rows[0].Timestamp)
	// Output: branch_creation 2026-03-02 09:00:00 +0000 UTC
}
