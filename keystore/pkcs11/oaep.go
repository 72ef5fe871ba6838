package pkcs11

import (
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// unpadOAEP takes the padding of EME-OAEP (RFC 8017 section 7.1.2, step 3) off a block, with one hash for the label and for
// MGF1. It overwrites the block. How long it takes depends on the lengths of block and message alone, not on what is wrong with the padding: whoever
// learns that can decrypt (Manger, CRYPTO 2001). The standard library does this only together with the private key.
func unpadOAEP(newHash func() hash.Hash, block, label []byte) ([]byte, bool) {
	h := newHash()
	size := h.Size()
	if len(block) < 2*size+2 {
		return nil, false
	}
	h.Write(label)
	labelHash := h.Sum(nil)
	seed, data := block[1:1+size], block[1+size:]
	xorMGF1(newHash, seed, data)
	xorMGF1(newHash, data, seed)

	good := subtle.ConstantTimeByteEq(block[0], 0) & subtle.ConstantTimeCompare(data[:size], labelHash)
	// After the hash come zeros, a one, and the message.
	rest := data[size:]
	looking, index := 1, 0
	for i, b := range rest {
		zero, one := subtle.ConstantTimeByteEq(b, 0), subtle.ConstantTimeByteEq(b, 1)
		index = subtle.ConstantTimeSelect(looking&one, i, index)
		good &= 1 ^ looking&(1^zero)&(1^one)
		looking &= 1 ^ one
	}
	if good&(1^looking) != 1 {
		return nil, false
	}
	return append([]byte(nil), rest[index+1:]...), true
}

// xorMGF1 combines out with the mask that MGF1 (RFC 8017 appendix B.2.1) makes of the seed.
func xorMGF1(newHash func() hash.Hash, out, seed []byte) {
	h := newHash()
	var mask []byte
	for counter := uint32(0); len(out) > 0; counter++ {
		h.Reset()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		mask = h.Sum(mask[:0])
		out = out[subtle.XORBytes(out, out, mask[:min(len(mask), len(out))]):]
	}
}
