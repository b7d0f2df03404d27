# Tests of what seals and opens; included by the folder's list. Needs penstock_sealed and nlohmann_json.
set(SEALED_TEST_SOURCES
  sealed_layout_test.cpp
  sealed_segments_test.cpp
  sealed_reader_test.cpp
  sealed_attack_test.cpp
  sealed_interop_test.cpp
  key_wrap_test.cpp)
set(SEALED_TEST_LINKS penstock_sealed nlohmann_json::nlohmann_json)
