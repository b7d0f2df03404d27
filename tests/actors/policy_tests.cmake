set(POLICY_TEST_SOURCES
  "${CMAKE_CURRENT_LIST_DIR}/admission_policy_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_book_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/fair_round_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/forecast_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/permit_policy_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/retry_policy_test.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/sliding_log_test.cpp")
