# The data socket, apart from the other gateways: a benchmark and its tests link it without CAF's runtime or DCMTK.
add_library(penstock_downloads STATIC
  "${CMAKE_CURRENT_LIST_DIR}/download_frames.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_gateway.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_offer.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_session.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/download_tickets.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/segment_pool.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/standing_offers.cpp")
target_include_directories(penstock_downloads PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(penstock_downloads PUBLIC penstock_sealed Threads::Threads
  PRIVATE PkgConfig::ZMQ nlohmann_json::nlohmann_json)
