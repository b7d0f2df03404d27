# The program `threads_test`, built under ThreadSanitizer only: tests of what owns threads, or is shared by them, and
# does without CAF, whose library is not instrumented. Sources are compiled here, not taken from the folders' libraries,
# so that nothing else is.
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb)
set(threads_root "${PROJECT_SOURCE_DIR}")
add_executable(threads_test
  "${threads_root}/gateways/http_gateway.cpp" gateways/http_gateway_test.cpp
  "${threads_root}/gateways/side_worker.cpp" gateways/side_worker_test.cpp
  "${threads_root}/gateways/zmq_auth.cpp" "${threads_root}/gateways/zmq_loop.cpp" gateways/zmq_auth_test.cpp
  "${threads_root}/storage/database_failure.cpp" "${threads_root}/storage/row_store.cpp" storage/row_store_test.cpp
  client/download_test.cpp client/fake_server.cpp client/sealed_download.cpp client/session_test.cpp
  gateways/download_gateway_limits_test.cpp gateways/download_gateway_test.cpp gateways/segment_pool_test.cpp
  support/test_main.cpp support/thread_sanitizer.cpp)
target_include_directories(threads_test PRIVATE "${threads_root}")
target_compile_definitions(threads_test PRIVATE BOOST_TEST_DYN_LINK)
target_link_libraries(threads_test PRIVATE penstock_client penstock_downloads penstock_sealed penstock_messages
  PkgConfig::ZMQ PkgConfig::ROCKSDB nlohmann_json::nlohmann_json spdlog::spdlog ${HTTPLIB_LIBRARY}
  Boost::unit_test_framework)
foreach(call zmq_send zmq_msg_send zmq_msg_recv zmq_msg_init_data)
  target_link_options(threads_test PRIVATE "LINKER:--wrap=${call}")
endforeach()
