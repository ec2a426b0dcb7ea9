// Checks a log's files by the Go project's own transparency log packages (golang.org/x/mod/sumdb/note and tlog) and by
// github.com/transparency-dev/formats: an implementation that shares nothing with ours.
//
//	tlogcheck DIR
//
// DIR holds vkey, older, checkpoint, tile/..., witness (vkeys of cosigners, one a line; may be empty), proofs/N.tlog-proof
// and leaves/N (the bytes of leaf N). It prints one line for each thing that verifies, and exits with 1 at the first that
// does not.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
	fmt.Println(what)
}

func read(dir string, name ...string) []byte {
	data, err := os.ReadFile(filepath.Join(append([]string{dir}, name...)...))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return data
}

// opened verifies a checkpoint's signatures: the log's, and every witness's.
func opened(text []byte, log note.Verifier, witnesses []note.Verifier) (f_log.Checkpoint, error) {
	var found f_log.Checkpoint
	n, err := note.Open(text, note.VerifierList(append([]note.Verifier{log}, witnesses...)...))
	if err != nil {
		return found, err
	}
	if len(n.Sigs) != 1+len(witnesses) {
		return found, fmt.Errorf("%d signatures verify, want %d", len(n.Sigs), 1+len(witnesses))
	}
	rest, err := found.Unmarshal([]byte(n.Text))
	if err == nil && (len(rest) != 0 || found.Origin != log.Name()) {
		err = fmt.Errorf("the origin is %q", found.Origin)
	}
	return found, err
}

// tiles reads the tiles of a directory, as tlog-tiles names them.
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, one := range wanted {
		path := strings.Replace(one.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	dir := os.Args[1]
	log, err := f_note.NewVerifier(strings.TrimSpace(string(read(dir, "vkey"))))
	check(err, "the verifier key")
	var witnesses []note.Verifier
	for _, line := range strings.Fields(string(read(dir, "witness"))) {
		one, err := f_note.NewVerifierForCosignatureV1(line)
		check(err, "a witness's key")
		witnesses = append(witnesses, one)
	}
	head, err := opened(read(dir, "checkpoint"), log, witnesses)
	check(err, fmt.Sprintf("the checkpoint, cosigned by %d", len(witnesses)))
	older, err := opened(read(dir, "older"), log, nil)
	check(err, "the older checkpoint")

	size, root := int64(head.Size), tlog.Hash(head.Hash)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{dir})
	consistent, err := tlog.ProveTree(size, int64(older.Size), reader)
	check(err, "the tiles")
	check(tlog.CheckTree(consistent, size, root, int64(older.Size), tlog.Hash(older.Hash)), "the trees go on")

	names, err := filepath.Glob(filepath.Join(dir, "proofs", "*.tlog-proof"))
	check(err, "the proofs")
	for _, name := range names {
		var found proof.TLogProof
		data := read(name)
		check(found.Unmarshal(data), "a proof")
		if string(found.Marshal()) != string(data) {
			check(fmt.Errorf("it is written differently"), name)
		}
		said, err := opened(found.Checkpoint, log, witnesses)
		check(err, "its checkpoint")
		var hashes tlog.RecordProof
		for _, one := range found.Hashes {
			hashes = append(hashes, tlog.Hash(one))
		}
		leaf := tlog.RecordHash(read(dir, "leaves", fmt.Sprint(found.Index)))
		check(tlog.CheckRecord(hashes, int64(said.Size), tlog.Hash(said.Hash), int64(found.Index), leaf), "an entry is in it")
		own, err := tlog.ProveRecord(size, int64(found.Index), reader)
		check(err, "its proof from tiles")
		if fmt.Sprint(own) != fmt.Sprint(hashes) {
			check(fmt.Errorf("they differ"), "both proofs")
		}
	}
	fmt.Println("all of it verifies")
}
