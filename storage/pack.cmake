# Packs and what reads data sets: apart from the rest of storage, so that penstock-dimse links no RocksDB and no Botan.
find_package(ZLIB REQUIRED)
add_library(penstock_pack STATIC
  character_sets.cpp crc32c.cpp dataset_scanner.cpp dimse_channel.cpp file.cpp pack_layout.cpp pack_reader.cpp
  pack_writer.cpp)
target_include_directories(penstock_pack PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(penstock_pack PUBLIC penstock_messages nlohmann_json::nlohmann_json PRIVATE ZLIB::ZLIB)
