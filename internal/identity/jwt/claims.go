// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"math"
	"slices"
	"time"
)

// Validity is when a token is valid, as its claims say; zero where they do not.
type Validity struct {
	IssuedAt, NotBefore, ExpiresAt time.Time
}

// ValidityOf reads the times of claims (RFC 7519, section 4.1: numbers of seconds).
func ValidityOf(claims map[string]any) (Validity, error) {
	var v Validity
	for _, c := range []struct {
		name string
		to   *time.Time
	}{{"iat", &v.IssuedAt}, {"nbf", &v.NotBefore}, {"exp", &v.ExpiresAt}} {
		value, ok := claims[c.name]
		if !ok || value == nil {
			continue
		}
		if *c.to, ok = moment(value); !ok {
			return Validity{}, Invalid("is not valid: " + c.name + " must be a number of seconds since 1970")
		}
	}
	return v, nil
}

// endOfTime is the second in which the year 10000 begins.
const endOfTime = 253402300800

func moment(value any) (time.Time, bool) {
	seconds, ok := value.(float64)
	if !ok || seconds <= 0 || seconds >= endOfTime {
		return time.Time{}, false
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*float64(time.Second))), true
}

// Check makes sure that a token is valid at a moment, give or take the leeway. A
// token is valid before its end, and from its beginning on.
func (v Validity) Check(now time.Time, leeway time.Duration) error {
	switch {
	case !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt.Add(leeway)):
		return Invalid("has expired; get a new one")
	case now.Before(v.NotBefore.Add(-leeway)):
		return Invalid("is not valid yet: nbf is in the future")
	case now.Before(v.IssuedAt.Add(-leeway)):
		return Invalid("is not valid yet: iat is in the future")
	}
	return nil
}

// CheckAudience makes sure that claims name one of the audiences (RFC 7519,
// section 4.1.3: aud is a string or a list of strings).
func CheckAudience(claims map[string]any, audiences []string) error {
	switch aud := claims["aud"].(type) {
	case string:
		if slices.Contains(audiences, aud) {
			return nil
		}
	case []any:
		found := false
		for _, v := range aud {
			name, ok := v.(string)
			if !ok {
				return Invalid("is not valid: aud must be a string or a list of strings")
			}
			found = found || slices.Contains(audiences, name)
		}
		if found {
			return nil
		}
	default:
		return Invalid("does not say whom it is for: aud must be a string or a list of strings")
	}
	return Invalid("is for another audience")
}
