package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

var hasher = rfc6962.DefaultHasher

// claim is an inclusion claim where LeafHash is set, a consistency claim otherwise. Sizes are text: they have 64 bits.
type claim struct {
	Index    uint64   `json:"index,string"`
	Size     uint64   `json:"size,string"`
	Size1    uint64   `json:"size1,string"`
	LeafHash []byte   `json:"leafHash"`
	Root1    []byte   `json:"root1"`
	Root     []byte   `json:"root"`
	Proof    [][]byte `json:"proof"`
}

// verifyClaims says of each claim why it does not hold; an empty text where it does.
func verifyClaims(claims []claim) []string {
	reasons := []string{}
	for _, c := range claims {
		var err error
		if c.LeafHash != nil {
			err = proof.VerifyInclusion(hasher, c.Index, c.Size, c.LeafHash, c.Proof, c.Root)
		} else {
			err = proof.VerifyConsistency(hasher, c.Size1, c.Size, c.Proof, c.Root1, c.Root)
		}
		if err == nil {
			reasons = append(reasons, "")
		} else {
			reasons = append(reasons, err.Error())
		}
	}
	return reasons
}

type proveRequest struct {
	Entries [][]byte   `json:"entries"`
	Records [][2]int64 `json:"records"` // index, size
	Trees   [][2]int64 `json:"trees"`   // older size, size
}

type proved struct {
	Roots   [][]byte   `json:"roots"` // root of every size from 0
	Records [][][]byte `json:"records"`
	Trees   [][][]byte `json:"trees"`
}

// proveAll makes proofs with sumdb/tlog, which has nothing in common with transparency-dev/merkle.
func proveAll(request proveRequest) (proved, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	// The root of no entries is made here, for TreeHash wants at least one.
	answer := proved{Roots: [][]byte{hasher.EmptyRoot()}, Records: [][][]byte{}, Trees: [][][]byte{}}
	for n, entry := range request.Entries {
		hashes, err := tlog.StoredHashes(int64(n), entry, reader)
		if err != nil {
			return answer, err
		}
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(n)+1, reader)
		if err != nil {
			return answer, err
		}
		answer.Roots = append(answer.Roots, append([]byte{}, root[:]...))
	}
	for _, pair := range request.Records {
		found, err := tlog.ProveRecord(pair[1], pair[0], reader)
		if err != nil {
			return answer, err
		}
		answer.Records = append(answer.Records, plain(found))
	}
	for _, pair := range request.Trees {
		found, err := tlog.ProveTree(pair[1], pair[0], reader)
		if err != nil {
			return answer, err
		}
		answer.Trees = append(answer.Trees, plain(found))
	}
	return answer, nil
}

func plain(hashes []tlog.Hash) [][]byte {
	found := [][]byte{}
	for _, hash := range hashes {
		found = append(found, append([]byte{}, hash[:]...))
	}
	return found
}

type rebuildRequest struct {
	Folder string `json:"folder"`
	Size   uint64 `json:"size,string"`
}

type rebuilt struct {
	Entries uint64 `json:"entries,string"`
	Tiles   int    `json:"tiles"`
	Root    []byte `json:"root"`
}

const tileWidth = 256

// rebuild computes the root of a log from its entry bundles with compact ranges, and compares every tile on the way.
func rebuild(request rebuildRequest) (rebuilt, error) {
	answer := rebuilt{}
	factory := compact.RangeFactory{Hash: hasher.HashChildren}
	whole := factory.NewEmptyRange(0)
	var level [][]byte
	for n := uint64(0); n*tileWidth < request.Size; n++ {
		bundle, err := os.ReadFile(filepath.Join(request.Folder, name("entries", n, width(request.Size, n))))
		if err != nil {
			return answer, err
		}
		for len(bundle) > 0 {
			length := int(binary.BigEndian.Uint16(bundle))
			hash := hasher.HashLeaf(bundle[2 : 2+length])
			bundle = bundle[2+length:]
			level = append(level, hash)
			if err := whole.Append(hash, nil); err != nil {
				return answer, err
			}
			answer.Entries++
		}
	}
	root, err := whole.GetRootHash(nil)
	if err != nil {
		return answer, err
	}
	answer.Root = root
	for number := 0; len(level) > 0; number++ {
		var above [][]byte
		for n := uint64(0); n*tileWidth < uint64(len(level)); n++ {
			hashes := level[n*tileWidth : n*tileWidth+width(uint64(len(level)), n)]
			path := name(strconv.Itoa(number), n, uint64(len(hashes)))
			tile, err := os.ReadFile(filepath.Join(request.Folder, path))
			if err != nil {
				return answer, err
			}
			if !bytes.Equal(tile, bytes.Join(hashes, nil)) {
				return answer, fmt.Errorf("%s is another tile", path)
			}
			answer.Tiles++
			if len(hashes) < tileWidth {
				continue
			}
			full := factory.NewEmptyRange(0)
			for _, hash := range hashes {
				if err := full.Append(hash, nil); err != nil {
					return answer, err
				}
			}
			hash, err := full.GetRootHash(nil)
			if err != nil {
				return answer, err
			}
			above = append(above, hash)
		}
		level = above
	}
	return answer, nil
}

func width(hashes uint64, n uint64) uint64 {
	if left := hashes - n*tileWidth; left < tileWidth {
		return left
	}
	return tileWidth
}

func name(level string, n uint64, hashes uint64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if hashes < tileWidth {
		path = fmt.Sprintf("%s.p/%d", path, hashes)
	}
	return "tile/" + level + "/" + path
}
