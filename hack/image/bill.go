// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	purl "github.com/package-url/packageurl-go"
)

// writeBill writes what the program is made of: the modules that the linker put
// into it, as the program itself says. Test tools, and modules of which nothing is
// used, are not in it.
func writeBill(file string, o options, c commit, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	encoder := cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bill(info, text, o, c), cdx.SpecVersion1_6); err != nil {
		out.Close()
		return fmt.Errorf("write %s: %w", file, err)
	}
	return out.Close()
}

func bill(info *debug.BuildInfo, program []byte, o options, c commit) *cdx.BOM {
	sum := sha256.Sum256(program)
	main := component(cdx.ComponentTypeApplication, info.Main.Path, o.version)
	main.Name = path.Base(o.pkg)
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}
	main.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}

	modules := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules = append(modules, component(cdx.ComponentTypeLibrary, module.Path, module.Version))
	}
	uses := make([]string, len(modules))
	for i, module := range modules {
		uses[i] = module.BOMRef
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: c.time.Format(time.RFC3339), Component: &main}
	bom.Components = &modules
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &uses}}
	return bom
}

// component is a module, by its package URL (https://github.com/package-url/purl-spec).
func component(kind cdx.ComponentType, module, version string) cdx.Component {
	namespace, name := path.Split(module)
	url := purl.NewPackageURL(purl.TypeGolang, strings.TrimSuffix(namespace, "/"), name, version, nil, "").ToString()
	return cdx.Component{BOMRef: url, Type: kind, Name: module, Version: version, PackageURL: url}
}
