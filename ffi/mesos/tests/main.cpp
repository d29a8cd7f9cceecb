// SPDX-License-Identifier: Apache-2.0
//! Starts libprocess on loopback, then runs the tests.

#include <cstdlib>

#include <glog/logging.h>
#include <gtest/gtest.h>

#include <process/process.hpp>

int main(int argc, char** argv) {
  ::setenv("LIBPROCESS_IP", "127.0.0.1", 1);
  google::InitGoogleLogging(argv[0]);
  ::testing::InitGoogleTest(&argc, argv);
  process::initialize();
  return RUN_ALL_TESTS();
}
