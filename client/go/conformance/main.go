// The conformance driver of the Go client: does what the runner says, each operation one call of the library.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "apportion.dev/client/conformance/driverpb"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := serve(bufio.NewReader(os.Stdin), os.Stdout); err != nil {
		slog.Error("the driver ends", "error", err)
		os.Exit(1)
	}
}

// serve reads requests until the end of input, and starts each without waiting for those before it.
func serve(in io.Reader, out io.Writer) error {
	driver := newDriver()
	var writing sync.Mutex
	for {
		request := &pb.DriverRequest{}
		if err := read(in, request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		run := driver.start(request)
		go func() {
			start := time.Now()
			response := run()
			response.Id = request.Id
			response.ElapsedUs = uint64(time.Since(start).Microseconds())
			writing.Lock()
			defer writing.Unlock()
			if err := write(out, response); err != nil {
				os.Exit(1)
			}
		}()
	}
}

// read reads a message, preceded by its length in four bytes.
func read(in io.Reader, into proto.Message) error {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return err
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(in, frame); err != nil {
		return err
	}
	return proto.Unmarshal(frame, into)
}

func write(out io.Writer, message proto.Message) error {
	frame, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, 4), message)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	_, err = out.Write(frame)
	return err
}
