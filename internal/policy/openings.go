// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rolecall/rolecall/internal/authz"

// openings is a set of ways to be allowed that lead to nobody known.
type openings uint8

// openingOrder is the order in which they are told, and that of the bits.
var openingOrder = [...]authz.Opening{
	authz.OpenToAll, authz.OpenToAsserted, authz.OpenToGroup,
	authz.OpenToEmailDomain, authz.OpenToSSOConnection, authz.OpenToSSOGroup,
}

func (o *openings) add(one authz.Opening) {
	for i, opening := range openingOrder {
		if opening == one {
			*o |= 1 << i
		}
	}
}

func (o openings) list() []authz.Opening {
	var list []authz.Opening
	for i, opening := range openingOrder {
		if o&(1<<i) != 0 {
			list = append(list, opening)
		}
	}
	return list
}
