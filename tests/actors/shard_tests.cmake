set(SHARD_TEST_SOURCES
  "${CMAKE_CURRENT_LIST_DIR}/cache_shard_start_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/cache_shard_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/list_reader_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/pack_shelf_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/row_filter_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/settle_policy_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/whole_site_test.cpp")
