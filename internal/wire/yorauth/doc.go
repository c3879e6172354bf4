// SPDX-License-Identifier: Apache-2.0

// Package yorauth speaks the checks of YorAuth's API, so that an application that
// asks YorAuth can ask Rolecall instead: check, check-bulk, and a user's permissions
// and roles, below /api/v1/applications/{application}.
//
// An application is a namespace, by configuration. A permission such as
// posts:create is the action create of the resource type posts; a user is a
// subject of the type user. Nothing can be changed here: policy is made of objects.
// What differs from the vendor stands in docs/yorauth.md.
package yorauth
