set(PACK_TEST_SOURCES
  character_sets_test.cpp dataset_scanner_test.cpp dimse_channel_test.cpp pack_reader_test.cpp pack_writer_test.cpp)
find_package(ZLIB REQUIRED)
set(PACK_TEST_LINKS penstock_pack ZLIB::ZLIB)
