package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store"
)

// Record checks that all of a T survives a [store.Bucket]: exported fields that are set, that are zero, and that point to
// zero. Whoever keeps records of a type calls it for the type, with any store. Fields of interface types are left out.
func Record[T any](t *testing.T, backend store.Ephemeral) {
	t.Helper()
	bucket := store.Bucket[T]{Store: backend, Name: "record"}
	for _, how := range []fill{nothing, everything, pointers} {
		var v T
		how.set(reflect.ValueOf(&v).Elem())
		handle, err := bucket.Create(t.Context(), v, time.Minute)
		require.NoError(t, err)
		kept, err := bucket.Get(t.Context(), handle)
		require.NoError(t, err)
		require.Equal(t, v, kept)
	}
}

// fill is how much of a value is set.
type fill int

const (
	nothing fill = iota
	everything
	pointers // and what leads to them, but not what they point to
)

// filledAt is a time that shows what is lost of it.
var filledAt = time.Date(2031, 3, 14, 9, 26, 53, 589_793_238, time.UTC)

func (how fill) set(v reflect.Value) {
	if how == nothing {
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		if how == everything {
			v.Set(reflect.ValueOf(filledAt))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && len(f.Index) == 1 {
				how.set(v.FieldByIndex(f.Index))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if how == everything || v.Elem().Kind() == reflect.Struct {
			how.set(v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			how.set(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		everything.set(key)
		how.set(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		if how == everything {
			scalar(v)
		}
	}
}

// scalar sets what is hard on encodings: no UTF-8, more than 2^53, less than zero.
func scalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString("é\x00\xff\"")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(-1 << (v.Type().Bits() - 2))
	case v.CanUint():
		v.SetUint(1<<(v.Type().Bits()-1) + 1)
	case v.CanFloat():
		v.SetFloat(-1.25)
	}
}
