# SPDX-License-Identifier: Apache-2.0
#
# Prints a Makefile's targets from their `## ` texts, grouped by its `##@ ` lines.
BEGIN { FS = ":.*## " }
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z][a-z-]*:.*## / { printf "  make %-10s %s\n", $1, $2 }
