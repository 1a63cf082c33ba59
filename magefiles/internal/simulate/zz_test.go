package simulate

import (
	"context"
	"flag"
	"fmt"
	"testing"
)

var devYears = flag.Int("years", 0, "")

func TestDev(t *testing.T) {
	if *devYears == 0 {
		t.Skip()
	}
	tally, err := Run(context.Background(), Options{Years: *devYears, Seed: *first, Workers: 1})
	fmt.Println(tally)
	if err != nil {
		t.Fatal(err)
	}
}
