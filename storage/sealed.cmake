# Digests, secrets, proofs, and what seals and opens: the sources that see Botan. A client links this without the rest.
add_library(penstock_sealed STATIC
  "${CMAKE_CURRENT_LIST_DIR}/checkpoint.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/digest.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/merkle_tree.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/secret_bytes.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/utc_time.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/sealed_segments.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/sealed_writer.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/sealed_reader.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/key_file.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/key_holders.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/key_wrap.cpp")
target_include_directories(penstock_sealed PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(penstock_sealed PUBLIC penstock_messages PRIVATE PkgConfig::BOTAN)
