// SPDX-License-Identifier: Apache-2.0
//! What a policy would have lent, violated and evicted on a recorded trace.
