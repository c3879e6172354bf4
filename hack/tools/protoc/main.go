// SPDX-License-Identifier: Apache-2.0

// Command protoc compiles .proto files and hands them to plugins, which write Go
// code: what the program of the same name does, made of Go modules alone.
//
//	protoc PLUGIN... -- FILE.proto...
//
// A plugin is the path of a program such as protoc-gen-go. Each file's code is
// written beside it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "protoc:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	i := slices.Index(args, "--")
	if i < 1 || i == len(args)-1 {
		return errors.New("usage: protoc PLUGIN... -- FILE.proto...")
	}
	plugins, files := args[:i], args[i+1:]
	request, err := compile(ctx, files)
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		if err := generate(ctx, plugin, request); err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
	}
	return nil
}

// compile returns what a plugin is asked: the files, and before each what it
// imports.
func compile(ctx context.Context, files []string) ([]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, files...)
	if err != nil {
		return nil, err
	}
	all := &collection{seen: map[string]bool{}}
	for _, file := range compiled {
		all.add(file)
	}
	return proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: files, Parameter: proto.String("paths=source_relative"), ProtoFile: all.files,
	})
}

// collection is files in an order in which none comes before what it imports.
type collection struct {
	seen  map[string]bool
	files []*descriptorpb.FileDescriptorProto
}

func (c *collection) add(file protoreflect.FileDescriptor) {
	if c.seen[file.Path()] {
		return
	}
	c.seen[file.Path()] = true
	imports := file.Imports()
	for i := range imports.Len() {
		c.add(imports.Get(i).FileDescriptor)
	}
	c.files = append(c.files, protodesc.ToFileDescriptorProto(file))
}

// generate asks a plugin, and writes what it answers.
func generate(ctx context.Context, plugin string, request []byte) error {
	command := exec.CommandContext(ctx, plugin)
	command.Stdin, command.Stderr = bytes.NewReader(request), os.Stderr
	output, err := command.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, file := range response.GetFile() {
		if err := os.WriteFile(filepath.FromSlash(file.GetName()), []byte(file.GetContent()), 0o644); err != nil { //nolint:gosec // source code is for everyone
			return err
		}
	}
	return nil
}
