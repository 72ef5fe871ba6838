package store

import (
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// encoder and decoder keep values of Go as encoding/json would, in less time and space.
var (
	encoder = mode(cbor.EncOptions{
		Time:      cbor.TimeRFC3339Nano,
		OmitEmpty: cbor.OmitEmptyGoValue,
	}.UserBufferEncMode())
	decoder = mode(cbor.DecOptions{
		// Strings come back as they were, also those of strangers who do not send UTF-8.
		UTF8:           cbor.UTF8DecodeInvalid,
		DefaultMapType: reflect.TypeFor[map[string]any](),
	}.DecMode())
)

// mode is what the options above make, of which the tests know that they are allowed.
func mode[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}
