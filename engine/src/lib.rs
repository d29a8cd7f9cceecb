// SPDX-License-Identifier: Apache-2.0
//! One step: `Engine::tick(Reading) -> Decision`.
