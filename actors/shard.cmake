# The cache shard and the reader of listings.
target_sources(penstock_actors PRIVATE
  "${CMAKE_CURRENT_LIST_DIR}/cache_shard.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/instance_items.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/list_items.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/facet_counts.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/journal_listing.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/list_reader.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/listing.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/pack_intake.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/pack_shelf.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/settle_policy.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/shard_check.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/study_settlement.cpp")
