package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// strictly reads one JSON value with no unknown field, no field twice, none
// that is spelled in another way, and nothing after it.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after its end")
	}
	if asWritten(data, into) {
		return nil
	}
	d = json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return literal{d, map[reflect.Type][]reflect.StructField{}}.value(reflect.TypeOf(into).Elem())
}

// asWritten tells whether a value is, but for white space, what is written of it:
// then nothing in it is there twice or spelled in another way. Nearly all are, and
// to look at every key takes longer.
func asWritten(data []byte, value any) bool {
	var given bytes.Buffer
	again, err := json.Marshal(value)
	return err == nil && json.Compact(&given, data) == nil && bytes.Equal(given.Bytes(), again)
}

// A literal is a value that is read as it is spelled. Fields are those of the
// kinds that were met: to list them costs more than to read them.
type literal struct {
	*json.Decoder
	fields map[reflect.Type][]reflect.StructField
}

// value refuses a value in which an object has a key twice, or one that is
// not written as the kind of value has it. A merge by hand can leave two lists
// of holds, and encoding/json, to which "Holds" and "holds" are one field,
// would read the last alone.
func (l literal) value(kind reflect.Type) error {
	begin, err := l.Token()
	if _, nested := begin.(json.Delim); !nested {
		return err
	}
	keys := map[string]bool{}
	for l.More() {
		var value reflect.Type
		if begin == json.Delim('[') {
			value = kind.Elem()
		} else if value, err = l.key(kind, keys); err != nil {
			return err
		}
		if err := l.value(value); err != nil {
			return err
		}
	}
	_, err = l.Token()
	return err
}

// key reads the next key of an object, and returns of what kind its
// value is. The keys of a map are its own.
func (l literal) key(object reflect.Type, seen map[string]bool) (reflect.Type, error) {
	token, err := l.Token()
	if err != nil {
		return nil, err
	}
	key, _ := token.(string)
	if seen[key] {
		return nil, fmt.Errorf("%s is there twice", quoted(key))
	}
	seen[key] = true
	if object.Kind() == reflect.Map {
		return object.Elem(), nil
	}
	if l.fields[object] == nil {
		l.fields[object] = reflect.VisibleFields(object)
	}
	for _, field := range l.fields[object] {
		switch name, _, _ := strings.Cut(field.Tag.Get("json"), ","); {
		case name == "":
		case name == key:
			return field.Type, nil
		case strings.EqualFold(name, key):
			return nil, fmt.Errorf("%s is not how the key %q is spelled", quoted(key), name)
		}
	}
	return nil, fmt.Errorf("unknown field %s", quoted(key))
}

// quoted is a key for people: the file is hostile.
func quoted(key string) string { return fmt.Sprintf("%q", rollout.Printable(key, 80)) }

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
