# The decisions, without the actors that carry them: no CAF runtime is linked here.
add_library(penstock_policies STATIC
  "${CMAKE_CURRENT_LIST_DIR}/admission_policy.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/breaker_policy.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_book.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/expiry_notice.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/fair_round.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/forecast.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/permit_policy.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/retry_policy.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/retrieval_plan.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/row_filter.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/sliding_log.cpp")
target_include_directories(penstock_policies PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(penstock_policies PUBLIC penstock_conf penstock_messages)
