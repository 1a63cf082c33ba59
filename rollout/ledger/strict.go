package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// strictly reads one JSON value with no unknown field, no field twice and
// nothing after it.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after its end")
	}
	d = json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return once(d)
}

// once refuses a value in which an object has a key twice. A merge by hand can
// leave two lists of holds, of which the last alone would be read.
func once(d *json.Decoder) error {
	begin, err := d.Token()
	if _, nested := begin.(json.Delim); !nested {
		return err
	}
	keys := map[json.Token]bool{}
	for d.More() {
		if begin == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if keys[key] {
				return fmt.Errorf("%q is there twice", key)
			}
			keys[key] = true
		}
		if err := once(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// plain says what is wrong without words from Go.
func plain(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax):
		return errors.New("it is not JSON, or ends too early")
	case errors.As(err, &kind):
		return fmt.Errorf("%q cannot be a %s", kind.Field[strings.LastIndex(kind.Field, ".")+1:], kind.Value)
	default:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
}
