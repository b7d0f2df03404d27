# Tests of the data socket; included by the folder's list. Needs penstock_downloads, PkgConfig::ZMQ and nlohmann_json.
set(DOWNLOAD_TEST_SOURCES
  download_frames_test.cpp
  download_gateway_limits_test.cpp
  download_gateway_test.cpp
  download_offer_test.cpp
  download_tickets_test.cpp
  segment_pool_test.cpp)
set(DOWNLOAD_TEST_LINKS penstock_downloads PkgConfig::ZMQ nlohmann_json::nlohmann_json)
