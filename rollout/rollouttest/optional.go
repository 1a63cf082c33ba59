package rollouttest

import "encoding/json"

// optional is a JSON value that may be missing, null or there: three things
// that GitHub tells apart.
type optional[T any] struct {
	set   bool
	null  bool
	value T
}

// UnmarshalJSON is called only where the key is there.
func (o *optional[T]) UnmarshalJSON(data []byte) error {
	o.set = true
	if string(data) == "null" {
		o.null = true
		return nil
	}
	return json.Unmarshal(data, &o.value)
}
